"""eistool: from a folder of impedance spectra to conductivities and tracked interphases, with uncertainties.

The public names stand in ``__init__.pyi``, by subject. Each is imported when it is first used, so that
``import eistool`` stays fast.
"""

import lazy_loader

_lazy_attribute, _, _names = lazy_loader.attach_stub(__name__, __file__)
__all__ = sorted([*_names, "__version__"])


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("eistool")
    if name not in __all__:
        raise AttributeError(f"module 'eistool' has no attribute {name!r}")
    return _lazy_attribute(name)


def __dir__() -> list[str]:
    return list(__all__)
