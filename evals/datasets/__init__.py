"""Questions to evaluate with: one module a format, all read to one `Dataset`, every line checked first."""
