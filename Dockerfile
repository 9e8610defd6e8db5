# One image for every part of Relance; the command says which part it is.
FROM python:3.11-slim AS build
WORKDIR /build
COPY requirements.txt ./
RUN python -m venv /opt/relance \
 && /opt/relance/bin/pip install --no-cache-dir --require-hashes --no-deps --requirement requirements.txt
COPY pyproject.toml LICENSE README.md ./
COPY services services
COPY shared shared
COPY ops ops
RUN /opt/relance/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home relance
COPY --from=build /opt/relance /opt/relance
ENV PATH=/opt/relance/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER relance
ENTRYPOINT ["relance"]
CMD ["--help"]
