"""What Arbor's parts reach through real processes, beside ssh in the same run: see README.md."""
