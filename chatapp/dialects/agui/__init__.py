"""AG-UI: what is asked, what is answered."""
