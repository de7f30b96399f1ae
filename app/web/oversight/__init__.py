"""Pages of oversight bodies and area coordinators: rounds, their agencies, the response ledger, single returns."""

from app.web.oversight import areas, closing, ledger, population, returns, rounds
from app.web.oversight.blueprint import blueprint

__all__ = ["areas", "blueprint", "closing", "ledger", "population", "returns", "rounds"]
