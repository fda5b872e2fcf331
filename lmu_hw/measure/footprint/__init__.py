"""What the C of a folder costs on a microcontroller: flash, RAM, stack and instructions."""
