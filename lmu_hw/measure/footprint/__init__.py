"""Cost of the C of a build directory on microcontrollers: flash, RAM, stack and instructions."""
