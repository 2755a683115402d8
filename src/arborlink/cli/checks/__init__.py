"""What `arbor doctor` looks at: one small function a fault, each with a finding as its answer."""
