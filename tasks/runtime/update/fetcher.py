"""Fetches files over HTTP within limits of time; how long a file may be, TUF says and checks."""

from collections.abc import Iterator
from http.client import HTTPException
from time import monotonic
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from tuf.api.exceptions import DownloadError, DownloadHTTPError, SlowRetrievalError
from tuf.ngclient.fetcher import FetcherInterface

CHUNK = 2**16
SILENCE_S = 20.0
"""seconds that a server may say nothing"""
WHOLE_S = 900.0
"""seconds that one file may take, so that a server that dribbles does not hold the device for ever"""


class HttpFetcher(FetcherInterface):
    """Fetches with the standard library, which reads whatever has come instead of waiting for a full chunk.

    Proxies and certificates are those of the system, as everywhere in Python (`https_proxy`, `SSL_CERT_FILE`).
    """

    def __init__(self, silence_s: float = SILENCE_S, whole_s: float = WHOLE_S) -> None:
        self._silence_s, self._whole_s = silence_s, whole_s

    def _fetch(self, url: str) -> Iterator[bytes]:
        deadline = monotonic() + self._whole_s
        request = Request(url, headers={"User-Agent": "stillhouse-edge"})
        try:
            with urlopen(request, timeout=self._silence_s) as response:
                while chunk := response.read1(CHUNK):
                    if monotonic() > deadline:
                        raise SlowRetrievalError(f"not whole after {self._whole_s:g} s")
                    yield chunk
        except HTTPError as error:
            raise DownloadHTTPError(f"HTTP status {error.code}", error.code) from error
        except TimeoutError as error:
            raise SlowRetrievalError(f"nothing for {self._silence_s:g} s") from error
        except URLError as error:
            raise DownloadError(str(error.reason)) from error
        except (OSError, HTTPException) as error:
            raise DownloadError(str(error) or type(error).__name__) from error


class Noting(FetcherInterface):
    """Passes on what another fetcher brings, and notes the name and the size of the last file."""

    def __init__(self, fetcher: FetcherInterface) -> None:
        self._fetcher = fetcher
        self.asked, self.received = "", 0
        """the name, and how many bytes came"""

    def _fetch(self, url: str) -> Iterator[bytes]:
        self.asked = urlsplit(url).path.rpartition("/")[2]
        self.received = 0
        for chunk in self._fetcher.fetch(url):
            self.received += len(chunk)
            yield chunk
