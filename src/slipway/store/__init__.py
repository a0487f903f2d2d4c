"""Store: keep records durably, find them again. Start in protocol.py.

``open_store(url)`` opens (and migrates) the store that a URL names; sql.py is the one behind SQLite and PostgreSQL.
"""

from __future__ import annotations

from slipway.errors import ConfigError, NotFound
from slipway.store.files import lock_data_folder
from slipway.store.payloads import whole
from slipway.store.protocol import Health, LastValue, Store, Where

__all__ = ["Health", "LastValue", "Store", "Where", "lock_data_folder", "open_store", "whole"]


def open_store(url: str) -> Store:
    """The store at a URL: ``sqlite:///path/to/slipway.db`` (made when it is not there) or ``postgresql://user@host/database``.

    Raises `ConfigError` for a URL that names no known store, `StoreError` when it cannot be opened or has a newer schema.
    """
    from slipway import registry

    scheme, separator, _ = url.partition("://")
    if not separator:
        raise ConfigError(
            f"{url!r} is no store URL", mend="write sqlite:///path/slipway.db or postgresql://host/database"
        )
    try:
        opener = registry.lookup("store", scheme.partition("+")[0])
    except NotFound as error:
        raise ConfigError(f"{url!r}: {error}") from None
    store: Store = opener(url)
    return store
