"""Export of designs to the formats of other tools; experimental."""
