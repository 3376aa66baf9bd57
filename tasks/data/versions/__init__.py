"""Versions of prepared data: DVC makes them and its md5 names them."""
