# Built by hand, where Docker is; no test builds it (docs/guides/install.md):
#   docker build -t largeloss .                          for CPUs
#   docker build -t largeloss --build-arg DEVICE=cuda .  for NVIDIA GPUs
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/data" largeloss train photos --out runs/mine
ARG PYTHON=3.12
FROM python:${PYTHON}-slim

# both take PyTorch as it is on PyPI, whose operators fit torchvision's; cuda leaves out what is for CPUs alone
ARG DEVICE=cpu
# images are decoded in processes that share memory: docker run --shm-size 2g, or --workers 0
COPY pyproject.toml README.md LICENSE /source/
COPY src /source/src
RUN case "$DEVICE" in \
      cpu) extras=fast,export ;; \
      cuda) extras=export ;; \
      *) echo "DEVICE is cpu or cuda, not $DEVICE" >&2; exit 1 ;; \
    esac && pip install --no-cache-dir "/source[$extras]" && rm -r /source

RUN useradd --create-home user && mkdir /data && chown user /data
USER user
# the user of --user has no home: what is kept between runs lies in the mounted folder
ENV XDG_CACHE_HOME=/data/.cache HF_HOME=/data/.cache/huggingface
WORKDIR /data
ENTRYPOINT ["largeloss"]
CMD ["--help"]
