"""The data: consumes the `data` section of a recipe, produces prepared arrays under a version that DVC keeps.

Two DVC stages do the work, each in a process of its own: `fetch` brings the files as they are, with their sha256, to
`data/NAME/raw`; `prepare` reads, checks and splits them into `data/NAME/prepared`: memory-mapped `.npy` shards and a
Parquet table per split, and `dataset.json`, which says everything about them. Equal recipe and equal files give equal
bytes on every machine, so the md5 that DVC writes into `dvc.lock` names the data everywhere.
"""
