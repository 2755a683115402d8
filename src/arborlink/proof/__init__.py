"""Proves a hub to its peers, on each new connection, before a secret is sent on it."""
