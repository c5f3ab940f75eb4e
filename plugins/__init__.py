"""The plugins that ship with Siaga; nobody imports this room, the plugin manager loads it by name."""
