"""Types of the part of pySMART that a check of plain disks uses; the package ships none."""

class Device:
    name: str
    model: str | None
    serial: str | None
    assessment: str | None
    temperature: int | None
    def __init__(self, name: str, interface: str | None = None) -> None: ...

class DeviceList:
    devices: list[Device]
    def __init__(self) -> None: ...
