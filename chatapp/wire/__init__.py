"""Sockets and bytes, at both ends: frames, JSON text, the call to a provider, the client's connection.

It knows no event and no provider.
"""
