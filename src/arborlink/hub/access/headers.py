"""Security headers: they keep browsers from acting on text that other users or programs wrote."""

from __future__ import annotations

from typing import Final

# Scripts only from the hub's own files. Styles may be inline: the terminal and the component
# library write <style> elements, which can neither run code nor, with connect-src, send anything.
CONTENT_SECURITY_POLICY: Final = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        # No string becomes markup or a script's address by itself. The page's one policy, which is
        # asked about each, is in `web/src/live/trustedTypes.ts`.
        "require-trusted-types-for 'script'",
        "trusted-types default",
    ]
)

# A year. Without includeSubDomains: other hosts of the domain are not Arbor's to decide about.
STRICT_TRANSPORT_SECURITY: Final = "max-age=31536000"

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # The page's own files say otherwise.
    "Cache-Control": "no-store",
}


def security_headers(*, secure: bool) -> dict[str, str]:
    """Return the headers of every response; `secure`: it goes over TLS."""
    if secure:
        return {**SECURITY_HEADERS, "Strict-Transport-Security": STRICT_TRANSPORT_SECURITY}
    return dict(SECURITY_HEADERS)
