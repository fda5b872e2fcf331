"""Accuracy on data, device and microcontroller resources of a build directory."""
