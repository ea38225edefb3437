import pytest

from app.web.rendering import safe_next


@pytest.mark.parametrize(
    "path", ["/", "/console/complaints", "/console/recordings/1?t=5&complaint=2"]
)
def test_a_path_of_ours_is_gone_back_to(path):
    assert safe_next(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "console",
        "/\t/evil.example",
        "/a\nb",
        "/" + "a" * 300,
    ],
)
def test_nobody_is_sent_elsewhere(path):
    assert safe_next(path) == "/"
