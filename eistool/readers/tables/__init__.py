"""Tables of numbers: dialects, column headers, units, sweeps, and the sign of the imaginary part."""
