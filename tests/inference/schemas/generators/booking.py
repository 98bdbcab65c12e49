import json
from datetime import datetime, time
from enum import Enum
from typing import Annotated, Literal, Optional, Union

from pydantic import BaseModel, ConfigDict, Field


class Place(BaseModel):
    name: str
    country: Optional[str] = None


class Unit(str, Enum):
    celsius = "C"
    fahrenheit = "F"


class Circle(BaseModel):
    kind: Literal["circle"]
    radius: float = Field(gt=0)


class Square(BaseModel):
    kind: Literal["square"]
    side: float = Field(gt=0)


class Node(BaseModel):
    label: str
    children: list["Node"] = []


class Booking(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: str = Field(min_length=1, max_length=40)
    guests: int = Field(ge=1, le=12)
    note: Optional[str] = None
    place: Optional[Place] = None
    unit: Optional[Unit] = None
    shape: Optional[Annotated[Union[Circle, Square], Field(discriminator="kind")]] = None
    tags: list[str] = []
    labels: Optional[dict[str, int]] = None
    point: Optional[tuple[float, float]] = None
    code: Optional[str] = Field(default=None, pattern=r"^[A-Z]{2}\-\d+$")
    start: Optional[datetime] = None
    at: Optional[time] = None
    root: Optional[Node] = None


print(json.dumps({"pydantic": Booking.model_json_schema()}, indent=2))
