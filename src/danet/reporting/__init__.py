"""What readers see: the paper's tables and figures with our results, and a page with all of them."""
