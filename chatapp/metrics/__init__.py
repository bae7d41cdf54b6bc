"""What an operator measures: figures for Prometheus and for the status page.

The other rooms tell of what happens through small protocols (`RunObserver`, `ReaderObserver`,
`LogObserver`), once for each run, reader or flush, never for each event. No owner, no run id and
nothing that was said is ever a label; a client can choose a model's name freely, so only models
that are listed are.

With several workers each writes its figures to files in the folder PROMETHEUS_MULTIPROC_DIR, and
any of them can answer for all. `chatapp.ops.metrics_folder` makes the folder before the first
worker; prometheus_client, which looks for it when it is imported, is imported in the workers only.
"""
