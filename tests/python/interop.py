"""The engine below the events, by Python's `websockets`: `examples/echo` sends back what comes."""

import asyncio
import os
import re
import unittest

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

ECHO = os.environ["JSTACK_ECHO"]
DEFLATE = "JSTACK_DEFLATE" in os.environ
LARGEST = 32 << 20


class Interop(unittest.IsolatedAsyncioTestCase):
    """Every test with compression offered and without."""

    async def asyncSetUp(self):
        self.server = await asyncio.create_subprocess_exec(ECHO, "0", stdout=asyncio.subprocess.PIPE)
        line = (await asyncio.wait_for(self.server.stdout.readline(), 20)).decode()
        self.url = re.search(r"ws:\S+", line).group()

    async def asyncTearDown(self):
        self.server.kill()
        await self.server.communicate()

    def connect(self, compression, **options):
        return connect(self.url, compression=compression, max_size=LARGEST, **options)

    async def each(self, check):
        for compression in [None, "deflate"]:
            with self.subTest(compression=compression):
                async with asyncio.timeout(60), self.connect(compression) as ws:
                    await check(ws)

    async def test_text_and_binary_come_back_as_they_were_of_every_length_of_header(self):
        async def check(ws):
            for length in [0, 1, 125, 126, 127, 65535, 65536, 200_000]:
                for message in ["ü" * length, bytes([7]) * length]:
                    await ws.send(message)
                    self.assertEqual(await ws.recv(), message)

        await self.each(check)

    async def test_fragments_become_one_message(self):
        async def check(ws):
            await ws.send(["grö", "ß", "", "e"])
            self.assertEqual(await ws.recv(), "größe")
            await ws.send([b"\x00\xff", b"\x01"])
            self.assertEqual(await ws.recv(), b"\x00\xff\x01")

        await self.each(check)

    async def test_a_ping_between_two_fragments_is_answered(self):
        async def check(ws):
            pinged = asyncio.Event()

            async def parts():
                yield "be"
                await (await ws.ping("between"))
                pinged.set()
                yield "tween"

            await ws.send(parts())
            self.assertTrue(pinged.is_set())
            self.assertEqual(await ws.recv(), "between")

        await self.each(check)

    async def test_sixteen_megabytes_come_back_whole_and_a_hundred_messages_in_order(self):
        async def check(ws):
            big = b"0123456789abcde\n" * (1 << 20)
            await ws.send(big)
            self.assertEqual(await ws.recv(), big)
            many = [f"message {n}" for n in range(100)]
            for message in many:
                await ws.send(message)
            self.assertEqual([await ws.recv() for _ in many], many)

        await self.each(check)

    async def test_a_close_is_answered_with_its_code_and_reason(self):
        for code, reason in [(1000, ""), (1001, "going"), (3001, "grüße"), (4999, "x" * 123)]:

            async def check(ws, code=code, reason=reason):
                await ws.close(code, reason)
                self.assertEqual((ws.close_code, ws.close_reason), (code, reason))
                # What came back, not only what was sent.
                self.assertEqual((ws.protocol.close_rcvd.code, ws.protocol.close_rcvd.reason), (code, reason))

            await self.each(check)

    async def test_compression_is_agreed_on_where_the_server_was_built_with_it(self):
        async with self.connect("deflate") as ws:
            agreed = ws.response.headers.get("Sec-WebSocket-Extensions", "")
            self.assertEqual("permessage-deflate" in agreed, DEFLATE)
            self.assertEqual(bool(ws.protocol.extensions), DEFLATE)

    async def test_what_breaks_the_protocol_closes_with_the_code_for_it(self):
        for name, frame, code in [
            ("no mask", b"\x81\x01a", 1002),
            ("a reserved bit", b"\xf1\x80\0\0\0\0", 1002),
            ("an unknown opcode", b"\x83\x80\0\0\0\0", 1002),
            ("no UTF-8", b"\x81\x81\0\0\0\0\xff", 1007),
            ("a fragmented ping", b"\x09\x80\0\0\0\0", 1002),
        ]:
            with self.subTest(name):
                async with asyncio.timeout(60), self.connect(None) as ws:
                    ws.transport.write(frame)
                    with self.assertRaises(ConnectionClosed) as closed:
                        await ws.recv()
                    self.assertEqual(closed.exception.rcvd.code, code)

    async def test_a_path_that_is_not_there_is_refused_before_the_upgrade(self):
        with self.assertRaises(InvalidStatus) as refused:
            await connect(self.url.rstrip("/") + "/nowhere")
        self.assertEqual(refused.exception.response.status_code, 404)


if __name__ == "__main__":
    unittest.main()
