"""Legendre Memory Units compiled to bit-exact integer programs, Verilog and C.

The stages are modules, in the order of the data flow: ``spec``, ``legendre``, ``discretize``,
``realize``, ``quantize``, ``program``, ``schedule``, then the backends ``interpreter``, ``rtl``
and ``firmware``. The public names are listed in ``__all__``.
"""

__version__ = "0.1.0"

__all__ = ["__version__"]
