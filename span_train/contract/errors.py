"""Every mistake a user can mend, as one tree of exceptions with the exit code it leads to.

InspectionError
├── InputError            3  something the user gave does not fit
│   ├── SettingsError     a key or value in the YAML or in --set
│   ├── ImageError        a file that is no readable image, or not the declared kind
│   ├── LayoutError       exemplar, masks or parts
│   ├── LabelError        labels, classes or splits
│   ├── RunError          a run folder, its checkpoint, or resuming it
│   ├── BundleError       a bundle that is incomplete, changed or too new
│   ├── StoreError        the database of inspections
│   └── DeviceError       a device or provider that was asked for and is not there
└── GateMissed            4  a stated goal or gate was missed
"""


class InspectionError(Exception):
    """Something a user can mend: the message says where, what was found, and what to do."""

    exit_code = 3


class InputError(InspectionError):
    """Something the user gave does not fit."""


class SettingsError(InputError):
    """One or more settings are wrong; the message lists all of them."""


class ImageError(InputError):
    """A file is not a readable image of the declared kind."""


class LayoutError(InputError):
    """The exemplar, its masks, or the parts made of them do not fit."""


class LabelError(InputError):
    """Labels, classes or splits do not fit the images."""


class RunError(InputError):
    """A run folder is incomplete, or does not fit what is asked of it."""


class BundleError(InputError):
    """A bundle is incomplete, changed, or made by a newer version."""


class StoreError(InputError):
    """The store cannot be opened or does not hold what is asked for."""


class DeviceError(InputError):
    """A device or execution provider was asked for that this machine does not have."""


class GateMissed(InspectionError):
    """A stated goal or gate was missed."""

    exit_code = 4
