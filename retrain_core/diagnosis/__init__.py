"""The other three questions: volume of new data, computing resources, sensitivity of the model; pure functions."""
