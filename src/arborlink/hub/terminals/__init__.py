"""Terminals as the hub knows them: their sizes, which viewer controls each, and their screens."""
