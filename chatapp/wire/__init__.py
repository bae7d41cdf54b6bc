"""Sockets and bytes at both ends: frames, JSON text, calls to providers, the client's connection.

It knows no event and no provider.
"""
