"""nmq's client for asyncio: all that nmq has, with await, async with and async for.

    async with nmq.aio.connect("127.0.0.1:50051") as client:
        async with client.subscribe("DB", "*") as messages:
            await client.publish("DB", "CREATE", "record 17")
            async for message in messages:
                print(message.event, message.payload)

Messages, errors, nmq.group(), nmq.start_earliest(), nmq.done() and their like are those of nmq. A call that is cancelled is
cancelled on its way, too; it may have been carried out.
"""

from .admin import Admin
from .client import Client, connect
from .publisher import Publisher
from .registry import Registry
from .subscription import Subscription

__all__ = ["Admin", "Client", "Publisher", "Registry", "Subscription", "connect"]
