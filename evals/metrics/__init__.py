"""What is measured of an answer, as the original papers and scripts define it; one module a family."""
