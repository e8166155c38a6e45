"""Networks: the dilated backbone, the heads, and the attention modules as the paper writes them."""
