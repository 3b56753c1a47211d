"""Write the vectors of datasets (of words, sentences or subwords) from one checkpoint, all layers in one pass, and the encoding's audit."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.features.extraction import extract_features
from xlprobe.features.vector_storage import STORAGES
from xlprobe.models.language_models import PRECISIONS


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True, help="Hugging Face folder with identity.json")
    parser.add_argument("--datasets", type=Path, nargs="+", required=True)
    parser.add_argument("--outputs", type=Path, nargs="+", required=True, help="HDF5 file of each dataset, or a folder for all")
    parser.add_argument("--audit-outputs", type=Path, nargs="+", required=True, help="Parquet file of each dataset")
    parser.add_argument("--layers", type=int, nargs="*", default=[], help="0 is the embedding layer; none takes all")
    parser.add_argument("--tokens-per-batch", type=int, required=True)
    parser.add_argument("--precision", default="float32", choices=PRECISIONS, help="what the model computes in")
    parser.add_argument("--storage", default="auto", choices=STORAGES, help="what vectors are stored in; auto: float16 if they fit")
    parser.add_argument("--subwords", nargs="+", default=[], help="datasets for which each subword's vector is written, not each word's")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    given = vars(parser.parse_args())
    if given["outputs"][0].suffix != ".h5":
        given["outputs"] = [given["outputs"][0] / f"{dataset.name}.h5" for dataset in given["datasets"]]
    extract_features(**given)


if __name__ == "__main__":
    command_line.run(main)
