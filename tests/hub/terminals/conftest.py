"""The fixtures of a hub in this process."""

from tests.hub.live.conftest import bench, identity

__all__ = ["bench", "identity"]
