"""Measure the flood detector's reading on the gauge images of ../shared/footage/flood.

The camera (NRmarshDN, 2012, from GRIME2's demo) looks at a calibration board. Its four rows of bow ties stand
at 121.8, 90.1, 58.5 and 26.8 cm; their centres were read off bowtie_calibration.png at y = 115, 249, 379 and
506 of 600 pixels. The strip between the two columns (x = 537 of 800) is the gauge. The levels in levels.csv
are good to 1 cm. Single pictures, no filter over time: what the reader alone can do.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import time
from pathlib import Path

import cv2
import numpy as np

from siaga.plugins.detectors.flood_gauge import GaugeReader

HERE = Path(__file__).resolve().parent
X = 537 / 800
POINTS = [(X, 115 / 600, 121.8), (X, 249 / 600, 90.1), (X, 379 / 600, 58.5), (X, 506 / 600, 26.8)]
GAUGES = {"four points": POINTS, "two points": [POINTS[0], POINTS[3]]}
WIDTH = 0.08
MIN_CONFIDENCE = 0.5


def measure(folder: Path, points: list[tuple[float, float, float]]) -> dict[str, float]:
    """Read every picture once and return the figures."""
    cv2.setNumThreads(1)
    reader = GaugeReader(points, WIDTH)
    errors: list[float] = []
    took_ms: list[float] = []
    rows = list(csv.DictReader((folder / "levels.csv").open()))
    for row in rows:
        luma = cv2.imread(str(folder / row["file"]), cv2.IMREAD_GRAYSCALE)
        begun = time.perf_counter()
        reading = reader.read(luma)
        took_ms.append((time.perf_counter() - begun) * 1000)
        if reading.level_cm is not None and reading.confidence >= MIN_CONFIDENCE:
            errors.append(abs(reading.level_cm - float(row["level_cm"])))
    return {
        "pictures": len(rows),
        "median_error_cm": round(statistics.median(errors), 2) if errors else float("nan"),
        "p95_error_cm": round(float(np.percentile(errors, 95)), 2) if errors else float("nan"),
        "max_error_cm": round(max(errors), 2) if errors else float("nan"),
        "cannot_see_share": round(1 - len(errors) / len(rows), 3),
        "ms_per_reading": round(statistics.median(took_ms), 2),
    }


def main() -> None:
    """Print a table and, where asked, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=HERE.parent.parent / "shared/footage/flood")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if not (options.folder / "levels.csv").exists():
        raise SystemExit(f"no footage at {options.folder}: nothing was measured")
    results = {name: measure(options.folder, points) for name, points in GAUGES.items()}
    print(f"{'gauge marked by':16}" + "".join(f"{key:>18}" for key in next(iter(results.values()))))
    for name, figures in results.items():
        print(f"{name:16}" + "".join(f"{value:18}" for value in figures.values()))
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
