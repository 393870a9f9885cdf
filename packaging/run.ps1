# Sets Atelier up on Windows where that is still to do, then starts it with the given arguments:
#     powershell -ExecutionPolicy Bypass -File packaging\run.ps1 [arguments]
# Windows PowerShell 5.1 is enough.

$ErrorActionPreference = 'Stop'
$uvVersion = '0.13.9'
$root = Split-Path -Parent $PSScriptRoot
$venv = Join-Path $root '.venv'
$python = Join-Path $venv 'Scripts\python.exe'
$stamp = Join-Path $venv '.set-up'
$unfinished = Join-Path $venv '.unfinished'
$build = Join-Path $root 'build'
$log = Join-Path $build 'setup.log'
$needs = 'pyproject.toml', 'packaging\constraints.txt', 'packaging\run.ps1'

function Say([string] $text) { [Console]::Error.WriteLine($text) }

function Stop-With([string] $text) {
    Say $text
    exit 1
}

# Runs a program with its output in the log; true where it succeeded.
function Invoke-Quietly([string] $program, [string[]] $arguments) {
    Add-Content -Path $log -Encoding UTF8 -Value "`n> $program $arguments"
    $before = $ErrorActionPreference
    $ErrorActionPreference = 'Continue'
    try { & $program @arguments 2>&1 | ForEach-Object { "$_" } | Add-Content -Path $log -Encoding UTF8 }
    finally { $ErrorActionPreference = $before }
    return $LASTEXITCODE -eq 0
}

# The folder is part of it: an environment does not survive being moved.
function Get-Fingerprint {
    $sums = $needs | ForEach-Object { (Get-FileHash -Algorithm SHA256 -Path (Join-Path $root $_)).Hash }
    return "$root $sums"
}

function Test-Environment {
    if (-not (Test-Path $python) -or -not (Test-Path $stamp)) { return $false }
    return (Get-Content -Raw -Encoding UTF8 -Path $stamp).Trim() -eq (Get-Fingerprint)
}

# 0: all is there; 3: the starter pack is missing; anything else: the environment is missing or broken.
function Get-State {
    if (-not (Test-Environment)) { return 1 }
    $null = Invoke-Quietly $python @('-P', '-m', 'studio.model_manager.starter', '--check')
    return $LASTEXITCODE
}

# The launcher and the version to ask of it, or the program on the path.
function Find-Python {
    $test = 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))'
    foreach ($candidate in 'py -3.13', 'py -3.12', 'py -3.11', 'py -3.14', 'python') {
        $words = $candidate -split ' '
        if (-not (Get-Command $words[0] -ErrorAction SilentlyContinue)) { continue }
        if (Invoke-Quietly $words[0] (@($words | Select-Object -Skip 1) + @('-c', $test))) { return , $words }
    }
    Say 'Atelier needs Python 3.11, 3.12, 3.13 or 3.14 (64 bit), and this computer has none of them.'
    Stop-With 'Get it from python.org or with: winget install Python.Python.3.13'
}

# uv does not read pip's settings; the two that people and machines rely on are handed over.
function Get-PipSetting([string] $name, [string] $given) {
    if ($given) { return $given }
    $before = $ErrorActionPreference
    $ErrorActionPreference = 'Continue'
    try { return [string] (& $python -m pip config get "global.$name" 2>$null) }
    finally { $ErrorActionPreference = $before }
}

function New-Environment {
    Remove-Item -Path $stamp -ErrorAction SilentlyContinue
    Say "Setting up Atelier in $venv. The first time takes some minutes; details go to $log."
    $found = Find-Python
    $options = @($found | Select-Object -Skip 1)
    # What an interrupted set-up left cannot be trusted; downloads are kept elsewhere and not repeated.
    $sound = (Test-Path $python) -and -not (Test-Path $unfinished) -and (Invoke-Quietly $python @('-m', 'pip', '--version'))
    if (-not $sound) {
        if (-not (Invoke-Quietly $found[0] ($options + @('-m', 'venv', '--clear', $venv)))) {
            Stop-With "The environment in $venv could not be made. See $log."
        }
    }
    New-Item -ItemType File -Force -Path $unfinished | Out-Null
    if (-not (Invoke-Quietly $python @('-m', 'pip', 'install', '--disable-pip-version-check', "uv==$uvVersion"))) {
        Stop-With "The installer could not be downloaded. Check the network connection and start again; see $log."
    }
    Say 'Downloading and installing libraries ...'
    $env:UV_PYTHON_DOWNLOADS = 'never'
    if (-not $env:UV_FIND_LINKS) { $env:UV_FIND_LINKS = Get-PipSetting 'find-links' $env:PIP_FIND_LINKS }
    if (-not $env:UV_DEFAULT_INDEX) { $env:UV_DEFAULT_INDEX = Get-PipSetting 'index-url' $env:PIP_INDEX_URL }
    $uv = Join-Path $venv 'Scripts\uv.exe'
    $constraints = Join-Path $root 'packaging\constraints.txt'
    $overrides = Join-Path $root 'packaging\overrides.txt'
    $install = @('pip', 'install', '--python', $python, '--compile-bytecode', '-c', $constraints)
    $install += @('--overrides', $overrides, '-e', $root)
    # The package index has torch for the processor only; "auto" takes the build for the graphics card that is here.
    if (-not $env:UV_FIND_LINKS) { $install += @('--torch-backend', 'auto') }
    if (-not (Invoke-Quietly $uv $install)) {
        Stop-With "The libraries could not be installed. Check the network connection and free disk space, and start again; see $log."
    }
    $null = Invoke-Quietly $python @('-m', 'compileall', '-q', (Join-Path $root 'studio'))
    Remove-Item -Path $unfinished
    Set-Content -Path "$stamp.new" -Encoding UTF8 -Value (Get-Fingerprint)
    Move-Item -Force -Path "$stamp.new" -Destination $stamp
}

New-Item -ItemType Directory -Force -Path $build | Out-Null
if ((Get-State) -ne 0) {
    # One set-up at a time; Windows gives the name back when its owner ends, however it ends.
    $lock = New-Object System.Threading.Mutex($false, 'Local\AtelierSetUp')
    try {
        if (-not $lock.WaitOne(0)) {
            Say 'Another set-up is running; waiting for it.'
            $null = $lock.WaitOne()
        }
    }
    catch [System.Threading.AbandonedMutexException] { Say 'An earlier set-up was interrupted; starting over.' }
    $state = Get-State
    if ($state -ne 0 -and $state -ne 3) {
        if (Test-Environment) { New-Item -ItemType File -Force -Path $unfinished | Out-Null }
        New-Environment
        $state = Get-State
    }
    if ($state -ne 0) {
        Say 'Installing the starter pack ...'
        if (-not (Invoke-Quietly $python @('-P', '-m', 'studio.model_manager.starter'))) {
            Say "The starter pack could not be installed; see $log. The next start tries again."
        }
    }
    $lock.ReleaseMutex()
}

$ErrorActionPreference = 'Continue'
& $python -P -m studio @args
exit $LASTEXITCODE
