"""What a recipe says of pictures: how files of them are read, and the boxes in them."""
