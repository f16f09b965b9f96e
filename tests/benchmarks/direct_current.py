"""Coverage of the intervals of d.c. polarizations over simulated records of known steady current.

Run ``python -m tests.benchmarks.direct_current --records 300``. For each kind of cell and instrument:

- given: share of records with a value (the rest are bounds); of steady kinds, the others are false refusals,
- I, sigma: share of 95 % intervals that hold the truth; thickness, diameter and lead of every cell err too,
- sd: standard deviation of (I - true)/u, 1 if the errors are neither too large nor too small,
- bounds: share of the limits that hold.

Kinds that are not steady within the hold must give bounds.
"""

import argparse
import math
import time
from dataclasses import replace

import numpy as np

from eistool import CellGeometry, analyze_polarization
from tests.direct_current.holds import Protocol, simulate

THICKNESS_UM, U_THICKNESS_UM, DIAMETER_MM, U_DIAMETER_MM, U_LEAD_OHM = 280.0, 5.0, 10.0, 0.05, 0.02
NORMAL_95 = 1.959963984540054
STACK = Protocol(voltages_V=(0.5,), hold_s=7200.0, dt_s=2.0, zero_s=600.0, noise=1e-3, resistance_ohm=275.0)
STEADY = {
    "electrolyte, white noise": Protocol(),
    "electrolyte, slow noise": Protocol(noise=0.005, wander=0.01),
    "electrolyte, drift of 1 %": Protocol(noise=0.005, drift=0.01),
    "electrolyte, offset of 28 %": Protocol(offset_A=5e-9),
    "electrolyte, four voltages": Protocol(voltages_V=(0.25, 0.5, 0.75, 1.0), hold_s=20000.0),
    "composite, lead 0.3 ohm": Protocol(
        voltages_V=(0.1,), hold_s=18000.0, dt_s=5.0, resistance_ohm=2.05, lead_ohm=0.3, terms=((0.1, 800.0),),
        noise=1e-3,
    ),
    "stack, 100 µm": replace(STACK, terms=((0.8, 520.0), (3.0, 20.0))),
    "mixed conductor, ions slow": replace(STACK, diffusion=(2.0, 0.1)),
    "mixed conductor, ions fast": replace(STACK, diffusion=(5.0, 10.0)),
}  # fmt: skip
UNSTEADY = {
    "stack, 300 µm": replace(STACK, resistance_ohm=730.0, terms=((0.8, 4700.0),)),
    "stack, 500 µm": replace(STACK, resistance_ohm=1185.0, terms=((0.8, 13000.0),)),
    "mixed conductor, thick": replace(STACK, resistance_ohm=730.0, diffusion=(20.0, 0.1)),
    "electrolyte, 2 h": Protocol(hold_s=7200.0, terms=((1.0, 2500.0),)),
}


def measure(protocol: Protocol, records: int, first_seed: int) -> dict[str, float]:
    """Return the shares of one kind."""
    inside_I, inside_sigma, z, bounds, spent = 0, 0, [], [], 0.0
    for seed in range(first_seed, first_seed + records):
        rng = np.random.default_rng([seed, 1])
        thickness = THICKNESS_UM + U_THICKNESS_UM * rng.standard_normal()
        diameter = DIAMETER_MM + U_DIAMETER_MM * rng.standard_normal()
        sigma = thickness * 1e-4 / (math.pi * (diameter / 20) ** 2) / protocol.resistance_ohm
        current = max(protocol.voltages_V) / (protocol.resistance_ohm + protocol.lead_ohm)
        record = simulate(protocol, seed)
        cell = CellGeometry(
            thickness_um=THICKNESS_UM, diameter_mm=DIAMETER_MM, u_thickness_um=U_THICKNESS_UM,
            u_diameter_mm=U_DIAMETER_MM,
        )  # fmt: skip
        lead = protocol.lead_ohm + U_LEAD_OHM * rng.standard_normal() if protocol.lead_ohm else 0.0
        start = time.thread_time()
        result = analyze_polarization(
            *record, cell, r_lead_ohm=max(lead, 0.0), u_r_lead_ohm=U_LEAD_OHM if protocol.lead_ohm else 0.0
        )
        spent += time.thread_time() - start
        if result.status == "ok":
            z.append((result.I_ss_A - current) / result.u_I_ss_A)
            inside_I += abs(z[-1]) < NORMAL_95
            inside_sigma += abs(result.sigma_S_per_cm - sigma) < NORMAL_95 * result.u_sigma_S_per_cm
        else:
            bounds.append(not result.upper_limit < sigma and not result.lower_limit > sigma)
    given = len(z)
    return {
        "given": given / records,
        "I": inside_I / given if given else math.nan,
        "sigma": inside_sigma / given if given else math.nan,
        "sd": float(np.sqrt(np.mean(np.square(z)))) if given else math.nan,
        "bounds": sum(bounds) / len(bounds) if bounds else math.nan,
        "ms": 1e3 * spent / records,
    }


def main() -> None:
    """Print a line for each kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--kind", default="", help="only kinds whose name begins so")
    arguments = parser.parse_args()
    print(f"{'kind':30s}  given  I 95 %  sigma 95 %    sd  bounds  ms each")
    for title, kinds in (("steady", STEADY), ("not steady within the hold", UNSTEADY)):
        print(title)
        for name, protocol in kinds.items():
            if not name.startswith(arguments.kind):
                continue
            m = measure(protocol, arguments.records, arguments.seed)
            print(
                f"  {name:28s}  {m['given']:5.3f}  {m['I']:6.3f}  {m['sigma']:10.3f}  {m['sd']:4.2f}"
                f"  {m['bounds']:6.3f}  {m['ms']:7.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
