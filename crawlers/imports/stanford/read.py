"""Stanford Cars (Cars-196) from disk, in any of its layouts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from core.records import Drop, Notice, Photo, SourceError, count_seen
from core.text import escape_bytes
from crawlers.imports.drive import FolderOnDrive
from crawlers.imports.stanford.annotations import AnnotatedLayout
from crawlers.imports.stanford.archives import packed
from crawlers.imports.stanford.classes import STANFORD_CARS
from crawlers.imports.stanford.csv import load_csv
from crawlers.imports.stanford.folders import ClassFolders, find_class_folders
from crawlers.imports.stanford.mat import load_devkit, load_rows_16185
from crawlers.imports.stanford.parquet import ParquetLayout, find_parquet

UNDERSTOOD = """\
  devkit/cars_train_annos.mat and cars_meta.mat, cars_test_annos_withlabels.mat, with the photos
    in cars_train/ and cars_test/
  anno_train.csv, anno_test.csv and names.csv, with the photos in the same folders
  cars_annos.mat, with the photos in car_ims/
  class folders: [train/ or test/] "AM General Hummer SUV 2000"/ and so on
  parquet files of the Hugging Face form, with the columns image and label"""


Layout = AnnotatedLayout | ClassFolders | ParquetLayout

LAYOUTS: tuple[Callable[[Path], Layout | None], ...] = (
    load_devkit,
    load_csv,
    load_rows_16185,
    find_class_folders,
    find_parquet,
)


@dataclass(frozen=True)
class StanfordCarsSource(FolderOnDrive):
    """The data set below `path`: the first layout with both annotations and photos.

    The part of a photo becomes its `split`. Boxes are not checked here, since no photo is opened.
    Nothing is downloaded.
    """

    path: Path
    name: str = STANFORD_CARS

    def count(self) -> int:
        """The number of photos and drops; opens no photo."""
        layout = self._layout()
        # Rows of parquet files are counted without reading the photos in them.
        return layout.count() if isinstance(layout, ParquetLayout) else count_seen(layout.records())

    def records(self) -> Iterator[Photo | Drop | Notice]:
        """A notice that names the layout, then its photos.

        Raises `SourceError` if there is no layout, or if the drive is disconnected meanwhile.
        """
        layout = self._layout()
        self.check_still_there()
        yield Notice(f"layout: {layout.title}", escape_bytes(self.path))
        try:
            yield from packed(self.path)
            yield from layout.records()
        except OSError as error:
            self.check_still_there()
            raise SourceError(f"{escape_bytes(self.path)} cannot be read: {error}") from error
        self.check_still_there()

    def _layout(self) -> Layout:
        if not self.path.is_dir():
            what = "is a file" if self.path.exists() else "does not exist"
            raise SourceError(f"{escape_bytes(self.path)} {what}; give the folder of the data set")
        try:
            found = next((layout for find in LAYOUTS if (layout := find(self.path))), None)
        except OSError as error:
            raise SourceError(f"{escape_bytes(self.path)} cannot be read: {error}") from error
        if found is None:
            there = ", ".join(Path(notice.example).name for notice in packed(self.path))
            unpack = f" Unpack what is packed there first: {there}." if there else ""
            raise SourceError(
                f"no Stanford Cars data set with photos in {escape_bytes(self.path)}.{unpack} The"
                " host that published it is gone and nothing is downloaded; these layouts are"
                f" understood:\n{UNDERSTOOD}"
            )
        return found
