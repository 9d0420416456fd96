# Built by hand, where Docker is; no test builds it (docs/guides/install.md):
#   docker build -t largeloss .                          for CPUs
#   docker build -t largeloss --build-arg DEVICE=cuda .  for NVIDIA GPUs, several GB larger
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/work" largeloss train photos --out runs/mine
ARG PYTHON=3.12
FROM python:${PYTHON}-slim

# cuda: the wheels of PyPI, which bring CUDA's libraries; the host needs NVIDIA's driver alone
ARG DEVICE=cpu
# images are decoded in processes that share memory: docker run --shm-size 2g, or --workers 0
RUN case "$DEVICE" in \
      cpu) pip install --no-cache-dir torch torchvision --index-url https://download.pytorch.org/whl/cpu ;; \
      cuda) pip install --no-cache-dir torch torchvision ;; \
      *) echo "DEVICE is cpu or cuda, not $DEVICE" >&2; exit 1 ;; \
    esac

COPY pyproject.toml README.md LICENSE /source/
COPY src /source/src
RUN pip install --no-cache-dir "/source[fast,export]" && rm -r /source

RUN useradd --create-home user && mkdir /work && chown user /work
USER user
# the user of --user has no home: what is kept between runs lies in the mounted folder
ENV XDG_CACHE_HOME=/work/.cache HF_HOME=/work/.cache/huggingface
WORKDIR /work
ENTRYPOINT ["largeloss"]
CMD ["--help"]
