"""anomalib's own inferencer over a folder of images; runs where anomalib is installed.

    PYTHON benchmarks/anomalib_arm.py --model model.onnx --images FOLDER

PYTHON is that of an environment with anomalib and OpenVINO. The model is one that anomalib exported
(`Engine.export`), as ONNX or OpenVINO. It prints one line of JSON, as score_arms.py does.
"""

import argparse
import csv
import json
import resource
import tempfile
import time
from pathlib import Path

from anomalib.deploy import OpenVINOInferencer


def main() -> None:
    """Open the model, predict image by image as its documentation shows, write a row for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--device", default="CPU")
    asked = parser.parse_args()
    inferencer = OpenVINOInferencer(path=asked.model, device=asked.device)
    images = sorted(asked.images.iterdir())
    inferencer.predict(str(images[0]))
    with tempfile.TemporaryFile("w") as file:
        rows = csv.writer(file)
        wall, cpu = time.perf_counter(), time.process_time()
        for image in images:
            found = inferencer.predict(str(image))
            rows.writerow([image, float(found.pred_score.squeeze())])
        wall_s, cpu_s = time.perf_counter() - wall, time.process_time() - cpu
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = {"images": len(images), "peak_mib": peak_mib, "wall_s": wall_s, "cpu_s": cpu_s}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
