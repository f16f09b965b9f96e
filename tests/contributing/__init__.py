"""Examples for contributors, one file for each way to extend eistool; CONTRIBUTING.md refers to them."""
