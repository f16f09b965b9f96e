"""Paragraph on the methods of a run, for a paper, with its references."""

from collections import Counter
from collections.abc import Iterator

from eistool.report.results import Results, number

# BibTeX, in UTF-8 for biblatex and current BibTeX styles
REFERENCES = {
    "boukamp1995": """@article{boukamp1995,
  author = {Boukamp, Bernard A.},
  title = {A Linear {Kronig-Kramers} Transform Test for Immittance Data Validation},
  journal = {Journal of The Electrochemical Society}, volume = {142}, pages = {1885}, year = {1995},
  doi = {10.1149/1.2044210}
}""",
    "schonleber2014": """@article{schonleber2014,
  author = {Schönleber, Michael and Klotz, Dino and Ivers-Tiffée, Ellen},
  title = {A Method for Improving the Robustness of Linear {Kramers-Kronig} Validity Tests},
  journal = {Electrochimica Acta}, volume = {131}, pages = {20}, year = {2014},
  doi = {10.1016/j.electacta.2014.01.034}
}""",
    "more1978": """@incollection{more1978,
  author = {Moré, Jorge J.},
  title = {The {Levenberg-Marquardt} Algorithm: Implementation and Theory},
  booktitle = {Numerical Analysis}, publisher = {Springer}, pages = {105}, year = {1978},
  doi = {10.1007/BFb0067700}
}""",
    "kennedy2001": """@article{kennedy2001,
  author = {Kennedy, Marc C. and O'Hagan, Anthony},
  title = {Bayesian Calibration of Computer Models},
  journal = {Journal of the Royal Statistical Society B}, volume = {63}, pages = {425}, year = {2001},
  doi = {10.1111/1467-9868.00294}
}""",
    "kass1995": """@article{kass1995,
  author = {Kass, Robert E. and Raftery, Adrian E.},
  title = {{Bayes} Factors},
  journal = {Journal of the American Statistical Association}, volume = {90}, pages = {773}, year = {1995},
  doi = {10.1080/01621459.1995.10476572}
}""",
    "hoeting1999": """@article{hoeting1999,
  author = {Hoeting, Jennifer A. and Madigan, David and Raftery, Adrian E. and Volinsky, Chris T.},
  title = {{Bayesian} Model Averaging: A Tutorial},
  journal = {Statistical Science}, volume = {14}, pages = {382}, year = {1999},
  doi = {10.1214/ss/1009212519}
}""",
    "hsu2001": """@article{hsu2001,
  author = {Hsu, C. H. and Mansfeld, F.},
  title = {Technical Note: Concerning the Conversion of the Constant Phase Element Parameter {Y0} into a
           Capacitance},
  journal = {Corrosion}, volume = {57}, pages = {747}, year = {2001},
  doi = {10.5006/1.3280607}
}""",
    "mackay1992": """@article{mackay1992,
  author = {MacKay, David J. C.},
  title = {{Bayesian} Interpolation},
  journal = {Neural Computation}, volume = {4}, pages = {415}, year = {1992},
  doi = {10.1162/neco.1992.4.3.415}
}""",
    "irvine1990": """@article{irvine1990,
  author = {Irvine, John T. S. and Sinclair, Derek C. and West, Anthony R.},
  title = {Electroceramics: Characterization by Impedance Spectroscopy},
  journal = {Advanced Materials}, volume = {2}, pages = {132}, year = {1990},
  doi = {10.1002/adma.19900020304}
}""",
    "wood2017": """@article{wood2017,
  author = {Wood, Simon N. and Fasiolo, Matteo},
  title = {A Generalized {Fellner-Schall} Method for Smoothing Parameter Optimization with Application to
           {Tweedie} Location, Scale and Shape Models},
  journal = {Biometrics}, volume = {73}, pages = {1071}, year = {2017},
  doi = {10.1111/biom.12666}
}""",
}
_WEIGHTS = {
    "modulus": "the modulus of the impedance",
    "unit": "unity",
    "proportional": "real and imaginary parts",
    "noise": "the measured noise",
}
_MASKS = {
    "auto": "points at the ends of the window and outliers that no Kramers-Kronig consistent impedance describes",
    "outliers": "outliers of the Kramers-Kronig test",
    "kk": "points that are not Kramers-Kronig consistent",
}


def write_methods(results: Results) -> tuple[str, str]:
    """Return a paragraph on the methods of a run, and its references as BibTeX.

    Only what the tables show to have been done is mentioned. Citations are written as ``[@key]``, which Pandoc
    and Zotero read.

    Parameters
    ----------
    results : Results
        Tables of the run.
    """
    sentences = list(_sentences(results))
    text = " ".join(sentences)
    cited = [REFERENCES[key] for key in REFERENCES if f"@{key}" in text]
    return f"{text}\n", "\n\n".join(cited) + "\n"


def _sentences(results: Results) -> Iterator[str]:
    run, settings = results.run, results.run.get("settings") or {}
    spectra = results.rows("spectra")
    yield f"{len(spectra)} impedance spectra were analysed with eistool {run.get('version', '')}."
    tested = [row for row in spectra if row.get("kk_passed")]
    if tested:
        passed = sum(row["kk_passed"] == "true" for row in tested)
        yield (
            "Their validity was checked by a linear Kramers-Kronig test [@boukamp1995; @schonleber2014]; "
            f"{passed} of {len(tested)} spectra with a verdict passed."
        )
    masked = sum(bool(row.get("masked")) for row in spectra)
    if masked and (what := _MASKS.get(str(settings.get("mask")))):
        yield f"In {masked} spectra, {what} were left out."
    if results.rows("fits"):
        yield from _fits(results)
    if results.rows("drt_curves") or results.rows("drt"):
        yield (
            "Distributions of relaxation times were computed without a choice of parameters, with smoothing "
            "and model by Bayesian evidence [@mackay1992]."
        )
    yield from _transport(results)
    if results.rows("tracks"):
        by = settings.get("by") or "the coordinate"
        yield (
            f"Processes were followed along {by}; their appearance was accepted only if all criteria held, among "
            "them very strong evidence (ΔBIC > 10) [@kass1995], a persistent peak of the distribution of "
            "relaxation "
            "times and a parametric bootstrap. Maps of the distribution are smooth along the series [@wood2017]."
        )
    yield "Uncertainties are standard uncertainties."


def _fits(results: Results) -> Iterator[str]:
    fits = results.rows("fits")
    circuits = Counter(row.get("circuit", "") for row in fits)
    names = ", ".join(f"{name} ({count})" for name, count in circuits.most_common(5))
    more = f" and {len(circuits) - 5} more" if len(circuits) > 5 else ""
    weights = Counter(row.get("weighting_used", "") for row in fits if row.get("weighting_used"))
    divisor = " or ".join(_WEIGHTS.get(name, name) for name, _ in weights.most_common())
    yield (
        "Equivalent circuits were fitted to the complex impedance by non-linear least squares with analytic "
        "derivatives from many start values [@more1978], residuals weighted by "
        f"{divisor or 'the modulus of the impedance'}: {names}{more}."
    )
    if (results.run.get("settings") or {}).get("circuit") == "auto":
        yield (
            "Circuits were chosen among candidates by their evidence [@kass1995]; resistances at infinite and at "
            "zero frequency are averages over circuits weighted by evidence [@hoeting1999]."
        )
    yield (
        "Standard errors include noise and the misfit of the circuit [@kennedy2001]; values that the data do not "
        "determine are not reported."
    )
    if any(number(row.get("C_F")) is not None for row in results.rows("processes")):
        yield "Effective capacitances of constant phase elements follow Hsu and Mansfeld [@hsu2001]."


def _transport(results: Results) -> Iterator[str]:
    if any(number(row.get("sigma_S_per_cm")) is not None for row in results.rows("conductivity")):
        yield (
            "Conductivities follow from the resistance and the geometry of the cell, with the errors of "
            "both and of "
            "the temperature; arcs were assigned by their capacitance [@irvine1990]."
        )
    lines = [row for row in results.rows("arrhenius") if number(row.get("Ea_eV")) is not None]
    if lines:
        yield "Activation energies are slopes of ln(σT) over 1/T, weighted by these errors."
