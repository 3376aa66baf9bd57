"""What happens, in the order it happens: the flows, and the `stillhouse` command as a thin layer over them."""
