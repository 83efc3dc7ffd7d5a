"""The embedded default reader: fusion-in-decoder that answers by pointing into its passages."""
