"""Stand-ins of Checkmk's plugin APIs, as far as the extension uses them: signatures and refusals as documented."""
