"""A client for the tests of the pages: keeps cookies, finds a form's token, logs in."""

import re

import aiohttp

PASSWORD = "air pasang purnama"


def browser():
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))


async def csrf_on(client, url):
    async with client.get(url) as answer:
        return re.search(r'name="csrf" value="(\w+)"', await answer.text()).group(1)


async def log_in(client, url, name="petugas", password=PASSWORD, **more):
    form = {"csrf": await csrf_on(client, f"{url}/login"), "name": name, "password": password, **more}
    return await client.post(f"{url}/login", data=form, allow_redirects=False)
