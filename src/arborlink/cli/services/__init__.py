"""Hub and daemons as services of this machine: what to run, and how each manager is told."""
