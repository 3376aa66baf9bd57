"""Where the samples come from, how they are read, and how they are split: the section `data`."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from params.kinds.embedding import Embedding
from params.kinds.regression import Regression
from params.readers import LABEL, Reader
from params.section import Fraction, Names, PartFraction, Section, differ
from params.sources import Source


class DrawnSplit(Section):
    """Cuts validation and test from all samples, class by class; what remains is for training."""

    kind: str
    validation: PartFraction = 0.2
    """part of the samples that choices are made on"""
    test: PartFraction = 0.2
    """part of the samples that is looked at once"""
    seed: int = Field(default=0, ge=0)
    """draws them"""

    @model_validator(mode="after")
    def _leaves_something_to_train_on(self) -> Self:
        if self.validation + self.test >= 1:
            raise ValueError(
                f"`validation` {self.validation} and `test` {self.test} leave nothing to train on;"
                " their sum must stay below 1"
            )
        return self


class StratifiedSplit(DrawnSplit):
    """Parts of exactly that size, drawn from all samples there are: with more of them, all is drawn again."""

    kind: Literal["stratified"] = "stratified"
    by: Names = ()
    """columns that the reader keeps of each sample: their values, too, are spread evenly, together with the label"""


class HashedSplit(DrawnSplit):
    """Parts of about that size: the content of a sample says where it belongs, and there it stays as data grows."""

    kind: Literal["hashed"] = "hashed"


class OfficialSplit(Section):
    """Keeps the test set its authors published; validation is theirs, too, or cut class by class from train."""

    kind: Literal["official"]
    validation: PartFraction = 0.2
    """part of the training samples that is cut off where no validation set was published"""
    seed: int = Field(default=0, ge=0)
    """draws it"""


GroupsOfPart = PartFraction | Annotated[tuple[str, ...], Field(strict=False, min_length=1)]


class GroupedSplit(Section):
    """Nothing of a group, such as a speaker, is in two parts: a model is judged on groups it has never met."""

    kind: Literal["grouped"]
    by: str
    """the column that the reader keeps of each sample, such as `speaker`; or `label`, where labels are identities"""
    validation: GroupsOfPart = 0.2
    """about this part of the groups, or their names. A hash of the group says where it belongs, and there it stays as
    data grows"""
    test: GroupsOfPart = 0.2
    """part of the groups that is looked at once, or their names"""
    seed: int = Field(default=0, ge=0)
    """draws groups that are not named"""

    @model_validator(mode="after")
    def _parts_are_apart(self) -> Self:
        named = [{*part} if isinstance(part, tuple) else set() for part in (self.validation, self.test)]
        if both := sorted(named[0] & named[1]):
            raise ValueError(f"`validation` and `test` both name `{both[0]}`; a group is in one part")
        if sum(part for part in (self.validation, self.test) if isinstance(part, float)) >= 1:
            raise ValueError("`validation` and `test` leave no group to train on; their sum must stay below 1")
        return self


Split = Annotated[StratifiedSplit | HashedSplit | GroupedSplit | OfficialSplit, Field(discriminator="kind")]


class Arrivals(Section):
    """What becomes of bad samples: those that cannot be read, carry an unknown label, or equal a test sample."""

    bad: Literal["stop", "quarantine"] = "stop"
    """stop: the data is refused, by name; quarantine: they are left out, by name, and the run goes on without them"""
    at_most: Fraction = 0.05
    """part of all samples that may be in quarantine; with more of them the source is broken, and the run stops"""


KEPT = {"all": 1.0, "none": 0.0}


class KeptLabels(Section):
    """Only some training samples keep their labels, drawn group by group; of the others only teachers tell."""

    keep: float = Field(default=1.0, ge=0)
    """above 1 so many training samples, up to 1 such a part of them; 1 is all, 0 none"""
    seed: int = Field(default=0, ge=0)
    """draws which labels are kept"""

    @model_validator(mode="before")
    @classmethod
    def _all_and_none_are_words(cls, given: Any) -> Any:
        if not isinstance(given, str):
            return given
        if given not in KEPT:
            raise ValueError(f"`{given}` is none of `all`, `none` and `{{keep: 200}}`")
        return {"keep": KEPT[given]}

    @model_validator(mode="after")
    def _a_number_of_samples_is_whole(self) -> Self:
        if self.keep > 1 and not self.keep.is_integer():
            raise ValueError(f"`keep` above 1 is a number of samples; {self.keep} is not whole")
        return self

    @property
    def all(self) -> bool:
        """Says whether every training sample keeps its label."""
        return self.keep == 1

    @property
    def none(self) -> bool:
        """Says whether no training sample keeps its label."""
        return self.keep == 0


def _as_it_is(given: Any) -> Any:
    return given


Labels = Annotated[KeptLabels, BeforeValidator(_as_it_is, json_schema_input_type=KeptLabels | Literal["all", "none"])]


class Unlabelled(Section):
    """Further training samples, of which only teachers tell: files such as a device is given, without labels."""

    source: Source
    """where they come from"""


LABELS_ARE = {"embedding": "identities", "regression": "numbers"}
"""kind of task with a section of its own -> what its labels are"""


class Data(Section):
    """The data section: the only one that the data stages read, so the only one that makes them run again."""

    task: Literal["classification", "detection", "embedding", "regression", "segmentation"] = "classification"
    """the kind of task: what is learned of a sample"""
    source: Source
    """where the files come from"""
    reader: Reader
    """how files become samples, and what is known of each"""
    split: Split
    """which samples train, which choose, and which judge"""
    embedding: Embedding | None = None
    """what is learned of identities, for `task: embedding`; null for its defaults"""
    regression: Regression | None = None
    """the range of numbers, for `task: regression`; null for its defaults"""
    labels: Labels = KeptLabels()
    """`all`, or which training samples keep theirs: `{keep: 200}` shows what so few labels would be worth; with `none`
    the samples with labels only choose and judge, and there is no student without a teacher to compare with"""
    unlabelled: Unlabelled | None = None
    duplicates: Literal["refuse", "drop", "keep"] = "refuse"
    """equal samples in two splits: refuse the data, drop the copies, or keep them all the same"""
    classes: Annotated[Names, AfterValidator(differ)] = ()
    """all labels there are, label 0 first; others are unknown. Empty: every label is taken"""
    arrivals: Arrivals = Arrivals()
    schema_version: int = Field(default=1, ge=1)
    """raise it where the columns or the shape of a source change on purpose: by themselves they must not"""
    shard_megabytes: int = Field(default=64, ge=1, le=4096)
    """of a file of prepared samples, about"""

    @model_validator(mode="after")
    def _classes_are_said_once(self) -> Self:
        if self.classes and LABEL not in self.reader.declared:
            raise ValueError(f"`classes` goes with labels; `reader.kind: {self.reader.kind}` names its own")
        if self.classes and self.reader.declared[LABEL].get("names"):
            raise ValueError("`classes` goes without those of `reader`: its classes are in the recipe already")
        return self

    @property
    def has_unlabelled(self) -> bool:
        """Says whether there are training samples without a label."""
        return not self.labels.all or self.unlabelled is not None

    @property
    def sources(self) -> dict[str, Source]:
        """Every source by its field: that of the samples with labels first."""
        further = {"data.unlabelled.source": self.unlabelled.source} if self.unlabelled else {}
        return {"data.source": self.source, **further}

    @property
    def declared(self) -> dict[str, dict[str, Any]]:
        """What the recipe says of each column of the target; empty for a column of which only the source tells."""
        said = self.reader.declared | ({LABEL: {"names": self.classes}} if self.classes else {})
        if self._of_task is not None:
            said[LABEL] = {**said.get(LABEL, {}), self.task: self._of_task.facts}
        return said

    @property
    def _of_task(self) -> Embedding | Regression | None:
        """The section that the kind of task has to itself."""
        match self.task:
            case "embedding":
                return self.embedding or Embedding()
            case "regression":
                return self.regression or Regression()
            case _:
                return None

    @model_validator(mode="after")
    def _labels_are_of_the_task(self) -> Self:
        for task, meant in LABELS_ARE.items():
            if getattr(self, task) is not None and self.task != task:
                raise ValueError(f"`{task}` goes with `task: {task}`; remove it, or say that")
            if self.task == task and LABEL not in self.reader.declared:
                raise ValueError(f"`task: {task}` needs labels, which are {meant}; take another `reader.kind`")
            if self.task == task and self.classes:
                raise ValueError(f"`classes` goes without `task: {task}`: {meant} are those that are there")
        return self

    @model_validator(mode="after")
    def _numbers_are_numbers(self) -> Self:
        if self.task != "regression":
            return self
        label, *further = self.reader.declared.values()
        if label.get("names"):
            raise ValueError("`task: regression` needs numbers; this `reader` makes classes of them, so say no names")
        if further:
            raise ValueError("`task: regression` has one number per sample; leave `reader.heads` out")
        return self

    @model_validator(mode="after")
    def _task_fits_reader(self) -> Self:
        if self.reader.task not in (None, self.task):
            raise ValueError(
                f"`task: {self.task}` does not go with `reader.kind: {self.reader.kind}`, whose targets are of"
                f" {self.reader.task}; say `task: {self.reader.task}`"
            )
        return self

    @model_validator(mode="after")
    def _split_fits_reader(self) -> Self:
        if (self.split.kind == "official") != self.reader.published:
            raise ValueError(
                f"`split.kind: {self.split.kind}` does not go with `reader.kind: {self.reader.kind}`;"
                " `official` is for readers whose source has a published test set (time_series, idx, image_folder with"
                " `splits`, audio_folder with `test`, sequences with a split of their own); `stratified`, `hashed` and"
                " `grouped` are for all others"
            )
        return self

    @model_validator(mode="after")
    def _parts_of_a_thing_stay_together(self) -> Self:
        by = self.reader.inseparable
        if by and self.split.kind != "official" and getattr(self.split, "by", None) != by:
            raise ValueError(
                f"`split.kind: {self.split.kind}` would put parts of one {by} into two splits;"
                f" say `split: {{kind: grouped, by: {by}}}`"
            )
        return self

    @model_validator(mode="after")
    def _identities_stay_together(self) -> Self:
        if self.task == "embedding" and isinstance(self.split, DrawnSplit):
            raise ValueError(
                f"`split.kind: {self.split.kind}` would put samples of one identity into two splits;"
                f" say `split: {{kind: grouped, by: {LABEL}}}`"
            )
        return self

    @model_validator(mode="after")
    def _columns_to_split_by_are_kept(self) -> Self:
        by = getattr(self.split, "by", ())
        names = (by,) if isinstance(by, str) else by
        kept = (*self.reader.columns_kept, *((LABEL,) if isinstance(self.split, GroupedSplit) else ()))
        unknown = [name for name in names if name not in kept]
        if unknown:
            raise ValueError(
                f"`split.by` names {', '.join(f'`{name}`' for name in unknown)}, which the reader does not keep;"
                " list them in `reader.slices` or `reader.heads` of `reader.kind: image_table`, or make them groups of"
                " `reader.pattern` of `reader.kind: audio_folder`"
            )
        return self
