"""The only place that imports TensorFlow. Started as a process, never imported by the interface."""
