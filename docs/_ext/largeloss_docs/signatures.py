"""Signatures as the code has them: autodoc would write what ``ArrayLike`` stands for."""

import ast
import inspect
import sys
import textwrap
from functools import cache
from importlib import import_module
from typing import Any

from largeloss_docs.python_api import PACKAGES, PARTS


@cache
def documented() -> frozenset[type]:
    """The classes that have an entry of their own."""
    found = {
        getattr(module, name)
        for module in (import_module(f"largeloss.{one}".rstrip(".")) for one in PACKAGES)
        for name in module.__all__
        if inspect.isclass(getattr(module, name))
    }
    for part in (part for parts in PARTS.values() for part in parts):
        module, _, name = f"largeloss.{part}".rpartition(".")
        found.add(getattr(import_module(module), name))
    return frozenset(found)


class _Linked(ast.NodeTransformer):
    """Names of largeloss's classes with their modules, so that they become links."""

    def __init__(self, known: dict[str, Any]) -> None:
        self.known = known

    def visit_Name(self, node: ast.Name) -> ast.Name:
        value = self.known.get(node.id)
        if inspect.isclass(value) and value in documented():
            return ast.Name(f"~{value.__module__}.{value.__qualname__}")
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id == "Annotated":
            assert isinstance(node.slice, ast.Tuple)
            return self.visit(node.slice.elts[0])
        return self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return node


def process_signature(
    app: Any, what: str, name: str, obj: Any, options: Any, signature: str, returned: str
) -> tuple[str, str | None] | None:
    """Called by autodoc for each object."""
    if what == "class":
        if "__init__" in vars(obj) and inspect.isfunction(obj.__init__):
            try:
                found = _of(obj.__init__)
            except OSError:  # written by dataclass
                return _fields(obj), None
            return found and (found[0], None)
        return _fields(obj), None
    target = inspect.unwrap(getattr(obj, "__func__", obj))
    return _of(target) if inspect.isfunction(target) else None


def _fields(made: type) -> str:
    names = getattr(made, "_fields", None) or getattr(made, "__dataclass_fields__", {})
    return f"({', '.join(names)})" if names else ""


def _of(function: Any) -> tuple[str, str | None] | None:
    tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    if not isinstance(tree, ast.FunctionDef):
        return None
    linked = _Linked(vars(sys.modules[function.__module__]))
    arguments = tree.args
    positional = arguments.posonlyargs or arguments.args
    if positional and positional[0].arg in ("self", "cls"):
        positional.pop(0)
    for one in ast.walk(arguments):
        if isinstance(one, ast.arg) and one.annotation is not None:
            one.annotation = linked.visit(one.annotation)
    returned = ast.unparse(linked.visit(tree.returns)) if tree.returns else None
    return f"({ast.unparse(arguments)})", returned
